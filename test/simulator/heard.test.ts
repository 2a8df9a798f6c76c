import { afterAll, describe, expect, test } from "bun:test";
import { PROTOCOL_NAMES } from "../../src/protocol/protocol.ts";
import {
  answer,
  cutMidStream,
  errorInside,
  noTerminal,
  status,
  toolWithoutArguments,
  truncatedMidStream,
} from "../../src/simulator/behaviour.ts";
import { startSimulator } from "../../src/simulator/simulator.ts";
import { ask, PLAIN_TEXT } from "../world/http.ts";
import { rawAsk } from "../world/raw.ts";

/** What the e2e tests hear through the proxy, heard without it: their ears must be right before they judge. */
const simulator = startSimulator({ behave: answer() });
afterAll(() => simulator.close());

describe.each(PROTOCOL_NAMES)("%s", (protocol) => {
  test.each([{ stream: true }, { stream: false }])("a good answer (stream: $stream)", async ({ stream }) => {
    simulator.behave(answer());
    const good = { status: 200, said: PLAIN_TEXT, clean: true, terminal: true, error: false };
    expect(await ask(simulator.url, protocol, { stream })).toMatchObject(good);
    expect(await rawAsk(simulator.url, protocol, { stream })).toMatchObject(good);
  });

  test("breaks in mid-stream", async () => {
    const broken = { status: 200, said: "The hedge grows ", terminal: false, error: false };
    simulator.behave(cutMidStream);
    expect(await ask(simulator.url, protocol)).toMatchObject({ ...broken, clean: false });
    simulator.behave(truncatedMidStream);
    expect(await rawAsk(simulator.url, protocol)).toMatchObject({ ...broken, clean: false });
    simulator.behave(noTerminal);
    expect(await ask(simulator.url, protocol)).toMatchObject({ ...broken, clean: true });
  });

  test.each([{ stream: true }, { stream: false }])("errors (stream: $stream)", async ({ stream }) => {
    simulator.behave(errorInside());
    expect(await ask(simulator.url, protocol, { stream })).toMatchObject({
      status: 200,
      said: "",
      terminal: false,
      error: true,
    });
    simulator.behave(status(503));
    expect(await ask(simulator.url, protocol, { stream })).toMatchObject({ status: 503, said: "", error: true });
  });

  test("a tool call says nothing and ends", async () => {
    simulator.behave(toolWithoutArguments);
    expect(await ask(simulator.url, protocol)).toMatchObject({ said: "", terminal: true, error: false });
  });
});
