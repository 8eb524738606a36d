// One review: what was let go, by whom, and the judgement of somebody who had no part in it.

import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useRouteContext } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ReviewDocument } from "../api/documents.ts";
import { reviewQuery } from "../api/queries.ts";
import { WordBadge } from "../ui/Badge.tsx";
import { Foreign, ForeignLines } from "../ui/Foreign.tsx";
import { Countdown, Instant } from "../ui/Instant.tsx";
import { ErrorNote, Loading, Pair, Pairs, Panel } from "../ui/Panel.tsx";
import { GiveReview } from "./GiveReview.tsx";
import { whyNotReviewer } from "./reviewers.ts";

export function ReviewPage(): ReactNode {
  const { id } = useParams({ from: "/reviews/$id" });
  const { data, error } = useQuery(reviewQuery(id));
  return (
    <div className="mx-auto flex max-w-4xl flex-col gap-3.5 px-4 py-4 sm:px-6">
      <Link to="/reviews" className="text-xs text-muted hover:text-ink">
        ← Reviews
      </Link>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="the review" />}
      {data !== undefined && <Card review={data} />}
    </div>
  );
}

function Card({ review }: { readonly review: ReviewDocument }): ReactNode {
  const { session } = useRouteContext({ from: "__root__" });
  const why = whyNotReviewer(review, session);
  return (
    <>
      <header className="flex flex-wrap items-center gap-3">
        <h1 className="text-lg font-semibold tracking-tight">
          Broken glass: <Foreign text={review.kind} />
        </h1>
        <WordBadge word={review.status} />
        {review.givenAt === null && <Countdown until={review.dueAt} />}
      </header>
      <Panel title="What was let go">
        <Pairs>
          <Pair name="Action">
            <Link to="/actions/$id" params={{ id: review.action }} className="font-mono text-xs hover:underline">
              {review.action}
            </Link>
          </Pair>
          <Pair name="Where">
            <Foreign text={`${review.environment} / ${review.service}`} />
          </Pair>
          <Pair name="Asked for by">
            <Foreign text={review.agent} />
          </Pair>
          <Pair name="Broken by">
            <Foreign text={review.by.join(", ")} />
          </Pair>
          <Pair name="Broken">
            <Instant ms={review.brokenAt} />
          </Pair>
          <Pair name="Reviewed by">{review.roles.join(", ")}</Pair>
        </Pairs>
      </Panel>
      {review.givenAt === null ? (
        <Panel title="Judgement">
          {why === null ? <GiveReview id={review.id} /> : <p className="text-muted">You cannot give it: {why}.</p>}
        </Panel>
      ) : (
        <Given review={review} at={review.givenAt} />
      )}
    </>
  );
}

function Given({ review, at }: { readonly review: ReviewDocument; readonly at: number }): ReactNode {
  const note = review.content?.note;
  return (
    <Panel title="Judgement" aside={<WordBadge word={review.status} />}>
      <Pairs>
        <Pair name="By">
          <Foreign text={review.givenBy ?? ""} />
        </Pair>
        <Pair name="When">
          <Instant ms={at} />
        </Pair>
        {note !== undefined && (
          <Pair name="Note">
            <ForeignLines text={note} />
          </Pair>
        )}
      </Pairs>
    </Panel>
  );
}
