import { expect } from "bun:test";
import type { OwnError } from "../../src/core/errors.ts";
import type { Operation, OperationKind, ProtocolName, RequestFacts } from "../../src/protocol/protocol.ts";

export function operation(protocol: ProtocolName, kind: OperationKind = "generate"): Operation {
  return { protocol, kind, pathModel: null, pathStream: false };
}

export function jsonBytes(body: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(body));
}

/** The facts; fails the test where the request was refused. */
export function facts(read: RequestFacts | OwnError): RequestFacts {
  if ("code" in read) expect.unreachable(read.message);
  return read;
}

/** The message of the refusal; fails the test where the request was taken. */
export function refusal(read: RequestFacts | OwnError): string {
  if (!("code" in read)) expect.unreachable("was taken");
  expect(read.code).toBe("invalid_request");
  return read.message;
}
