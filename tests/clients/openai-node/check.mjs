// OpenAI's client for node, with zod: parse, stream, tools, responses, errors.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodFunction, zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const client = new OpenAI({
  baseURL: `${process.env.CONDIT_URL}/v1`,
  apiKey: "none",
  maxRetries: 0,
});
const messages = [{ role: "user", content: "Write a ticket about a broken printer." }];
const usual = { model: "smollm2", messages, max_tokens: 60 };
const Ticket = z.object({
  title: z.string().max(20),
  priority: z.number().int().min(1).max(5),
});
const Weather = z.object({ days: z.number().int().min(1).max(9), sunny: z.boolean() });

async function parsed() {
  const format = zodResponseFormat(Ticket, "ticket");
  const answer = await client.chat.completions.parse({ ...usual, response_format: format });
  Ticket.parse(answer.choices[0].message.parsed);
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.ok(answer.usage.completion_tokens > 0);
}

async function streamed() {
  const stream = client.chat.completions.stream({
    ...usual,
    response_format: zodResponseFormat(Ticket, "ticket"),
    stream_options: { include_usage: true },
  });
  let pieces = 0;
  stream.on("content.delta", () => pieces++);
  const final = await stream.finalChatCompletion();
  Ticket.parse(final.choices[0].message.parsed);
  assert.ok(pieces > 3);
  assert.ok(final.usage.completion_tokens > 0);
}

async function called() {
  const tools = [zodFunction({ name: "weather", parameters: Weather })];
  const wanted = { ...usual, tools, tool_choice: "required" };
  const answer = await client.chat.completions.parse(wanted);
  for (const call of answer.choices[0].message.tool_calls) {
    Weather.parse(call.function.parsed_arguments);
  }
  const final = await client.chat.completions.stream(wanted).finalChatCompletion();
  for (const call of final.choices[0].message.tool_calls) {
    Weather.parse(call.function.parsed_arguments);
  }
  let asked = 0;
  const runner = client.chat.completions.runTools({
    ...usual,
    tool_choice: { type: "function", function: { name: "weather" } },
    tools: [
      zodFunction({
        name: "weather",
        parameters: Weather,
        function: () => {
          asked += 1;
          return "sunny";
        },
      }),
    ],
  });
  await runner.done();
  assert.equal(asked, 1);
}

async function responded() {
  const asked = { model: "smollm2", input: messages, max_output_tokens: 60 };
  const text = { format: zodTextFormat(Ticket, "ticket") };
  const answer = await client.responses.parse({ ...asked, text });
  Ticket.parse(answer.output_parsed);
  const stream = client.responses.stream({ ...asked, text });
  const kinds = [];
  for await (const event of stream) kinds.push(event.type);
  const final = await stream.finalResponse();
  Ticket.parse(final.output_parsed);
  assert.equal(kinds[0], "response.created");
  assert.equal(kinds.at(-1), "response.completed");
}

async function refused() {
  const schema = { type: "integer", minimum: 3, maximum: 2 };
  const format = { type: "json_schema", json_schema: { name: "never", schema } };
  await assert.rejects(
    client.chat.completions.create({ ...usual, response_format: format }),
    (error) =>
      error instanceof OpenAI.BadRequestError &&
      error.param.startsWith("response_format.json_schema.schema"),
  );
}

for (const check of [parsed, streamed, called, responded, refused]) await check();
