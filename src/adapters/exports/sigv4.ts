// AWS Signature Version 4 for one JSON request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

import { createHmac, hash } from "node:crypto";

const ALGORITHM = "AWS4-HMAC-SHA256";

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SignedRequest {
  readonly host: string;
  readonly region: string;
  readonly service: string;
  /** Lower-case names; those of this module are added. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly nowMs: number;
}

/** The headers of a POST to `/`, signed. */
export function signRequest(request: SignedRequest, credentials: AwsCredentials): Record<string, string> {
  const stamp = new Date(request.nowMs).toISOString().replaceAll(/[:-]|\.\d{3}/g, "");
  const day = stamp.slice(0, 8);
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.host,
    "x-amz-date": stamp,
    ...(credentials.sessionToken === undefined ? {} : { "x-amz-security-token": credentials.sessionToken }),
  };
  const names = Object.keys(headers).toSorted();
  const signedHeaders = names.join(";");
  const canonicalHeaders = names.map((name) => `${name}:${(headers[name] ?? "").trim().replaceAll(/ +/g, " ")}\n`);
  const canonical = ["POST", "/", "", canonicalHeaders.join(""), signedHeaders, hash("sha256", request.body)].join(
    "\n",
  );
  const scope = `${day}/${request.region}/${request.service}/aws4_request`;
  const toSign = [ALGORITHM, stamp, scope, hash("sha256", canonical)].join("\n");
  const keyOfDay = hmac(`AWS4${credentials.secretAccessKey}`, day);
  const key = hmac(hmac(hmac(keyOfDay, request.region), request.service), "aws4_request");
  const signature = hmac(key, toSign).toString("hex");
  const credential = `${credentials.accessKeyId}/${scope}`;
  headers["authorization"] =
    `${ALGORITHM} Credential=${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  return headers;
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
