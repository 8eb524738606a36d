// Reviews of broken glass: what is owed, by when, and what was said by whom.

import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ReviewView } from "../../wire/types/approval-views.ts";
import { reviewsQuery } from "../api/queries.ts";
import { WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Age, Countdown } from "../ui/Instant.tsx";
import { Empty, ErrorNote, Loading } from "../ui/Panel.tsx";
import { Cell, Row, Table } from "../ui/Table.tsx";
import { Tabs } from "../ui/Tabs.tsx";

const CHOICES = [
  [undefined, "All"],
  ["owed", "Owed"],
  ["overdue", "Overdue"],
  ["justified", "Justified"],
  ["unjustified", "Unjustified"],
] as const;

export function ReviewsPage(): ReactNode {
  const { status } = useSearch({ from: "/reviews/" });
  const { data, error } = useQuery(reviewsQuery({ status }));
  return (
    <div className="mx-auto max-w-6xl px-4 py-4 sm:px-6">
      <header className="mb-3 flex flex-wrap items-center gap-3">
        <h1 className="text-lg font-semibold tracking-tight">Reviews</h1>
        <Tabs label="Which reviews" to="/reviews" choices={CHOICES} chosen={status} />
      </header>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="reviews" />}
      {data?.items.length === 0 && (
        <Empty title={status === undefined ? "No glass was ever broken" : "No such review"}>
          Where a route has an emergency exit, whoever takes it owes a review by somebody who had no part in it.
        </Empty>
      )}
      {data !== undefined && data.items.length > 0 && (
        <Table
          label="Reviews of broken glass"
          heads={["Stands", "Of", "Where", "Broken by", "Broken", "Due", "Given by"]}
        >
          {data.items.map((review) => (
            <ReviewRow key={review.id} review={review} />
          ))}
        </Table>
      )}
    </div>
  );
}

function ReviewRow({ review }: { readonly review: ReviewView }): ReactNode {
  return (
    <Row>
      <Cell>
        <WordBadge word={review.status} />
      </Cell>
      <Cell>
        <Link to="/reviews/$id" params={{ id: review.id }} className="font-medium hover:underline">
          <Foreign text={review.kind} />
        </Link>
        <span className="block font-mono text-2xs text-faint">{review.action}</span>
      </Cell>
      <Cell muted>
        <Foreign text={`${review.environment} / ${review.service}`} />
      </Cell>
      <Cell>
        <Foreign text={review.by.join(", ")} />
      </Cell>
      <Cell muted>
        <Age ms={review.brokenAt} />
      </Cell>
      <Cell>{review.givenAt === null ? <Countdown until={review.dueAt} /> : "—"}</Cell>
      <Cell>{review.givenBy === null ? "nobody yet" : <Foreign text={review.givenBy} />}</Cell>
    </Row>
  );
}
