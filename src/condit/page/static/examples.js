/* An example for each kind of constraint, and the same request in other languages. */
(() => {
  "use strict";

  const EXAMPLES = [
    {
      name: "A person as JSON",
      kind: "json_schema",
      prompt: "Describe a person who works at a bakery, as JSON.",
      text: JSON.stringify(
        {
          type: "object",
          properties: {
            name: { type: "string", maxLength: 40 },
            age: { type: "integer", minimum: 18, maximum: 90 },
            role: { enum: ["baker", "seller", "driver"] },
          },
          required: ["name", "age", "role"],
          additionalProperties: false,
        },
        null,
        2,
      ),
    },
    { name: "A date by pattern", kind: "regex", prompt: "When did the first people land on the moon? Answer with a date.", text: "(19|20)\\d\\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])" },
    { name: "A sentiment", kind: "choice", prompt: "The film was long, and I did not want it to end. The sentiment of this review is", text: "positive\nneutral\nnegative" },
    { name: "Arithmetic (Lark)", kind: "lark", prompt: "Write a sum of products: ", text: 'start: product ("+" product)*\nproduct: NUMBER ("*" NUMBER)*\nNUMBER: /[1-9][0-9]{0,2}/' },
    { name: "A shopping list (GBNF)", kind: "gbnf", prompt: "A shopping list for pancakes:\n", text: 'root ::= item{3,6}\nitem ::= "- " [a-z ]{3,20} "\\n"' },
    { name: "A number, or unknown", kind: "expression", prompt: "How many legs does a spider have? Answer: ", text: 'integer(0, 130) | "unknown"' },
    { name: "Free text", kind: "none", prompt: "Once upon a time", text: "" },
  ];

  const literal = (value) => JSON.stringify(value);
  /** As it is written, where Python reads it so. */
  const block = (text) => (/^[\P{C}\n]*[^\\\p{C}']$/u.test(text) && !text.includes("'''") ? `r'''${text}'''` : literal(text));
  const shell = (value) => `'${String(value).replaceAll("'", "'\\''")}'`;

  function pythonConstraint({ kind, text }) {
    const lines = text.split("\n").filter(Boolean);
    return {
      none: "None",
      json_schema: `condit.json_schema(json.loads(${block(text)}))`,
      regex: `condit.regex(${literal(text)})`,
      choice: `condit.choice(${lines.map(literal).join(", ")})`,
      lark: `condit.grammar(${literal(text)}, syntax="lark")`,
      gbnf: `condit.grammar(${literal(text)}, syntax="gbnf")`,
      expression: `condit.make_constraint("expression", ${literal(text)})`,
    }[kind];
  }

  /** The sampler, where it is none that is usual everywhere: the server has its own for one lane. */
  const sampler = (request, options) => request.sampler || (request.n === 1 && options.sampler);

  /** The request as a program. */
  function asPython(request, options) {
    const wanted = pythonConstraint(request.constraint);
    const settings = [
      `n=${request.n}`,
      `max_tokens=${request.max_tokens}`,
      sampler(request, options) ? `sampler=${literal(sampler(request, options))}` : null,
      request.seed === undefined ? null : `seed=${request.seed}`,
      request.temperature === 1 ? null : `temperature=${request.temperature}`,
      request.instruct ? "instruct=True" : null,
    ].filter(Boolean);
    const imports = request.constraint.kind === "json_schema" ? "import json\n\nimport condit" : "import condit";
    return `${imports}

model = condit.load(${literal(options.model)})
prompt = ${literal(request.prompt)}
constraint = ${wanted}
result = condit.generate(model, prompt, constraint, ${settings.join(", ")})
print(result)
`;
  }

  /** A schema is put in as it is written: numbers and the order of keys would not outlive JavaScript. */
  const SCHEMA = "\u0000";

  function namedConstraint({ kind, text }) {
    if (kind === "none") return undefined;
    if (kind === "json_schema") JSON.parse(text);
    return { [kind]: { json_schema: SCHEMA, choice: text.split("\n").filter(Boolean) }[kind] ?? text };
  }

  /** The request to the server that any client can make. */
  function asCurl(request, options) {
    const chat = typeof request.prompt !== "string";
    const body = {
      model: options.model,
      ...(chat ? { messages: request.prompt } : { prompt: request.prompt }),
      max_tokens: request.max_tokens,
      temperature: request.temperature,
      ...(request.seed === undefined ? {} : { seed: request.seed }),
      condit: {
        constraint: namedConstraint(request.constraint),
        n_lanes: request.n,
        ...(request.sampler ? { sampler: request.sampler } : {}),
        ...(request.instruct ? { instruct: true } : {}),
      },
    };
    const url = new URL(chat ? "../v1/chat/completions" : "../v1/completions", location.href);
    const key = options.key ? " \\\n  -H 'Authorization: Bearer '\"$CONDIT_API_KEY\"" : "";
    const written = JSON.stringify(body, null, 2).replace(JSON.stringify(SCHEMA), () => request.constraint.text);
    return `curl ${shell(url.href)} \\\n  -H 'Content-Type: application/json'${key} \\\n  -d ${shell(written)}\n`;
  }

  /** The request at the command line. */
  function asShell(request, options) {
    const { kind, text } = request.constraint;
    const chat = typeof request.prompt !== "string";
    const prompt = chat ? request.prompt.at(-1).content : request.prompt;
    const system = chat && request.prompt[1] && request.prompt[0].content;
    // Quoted, and not up to a line such as END, which the text itself may have.
    const file = { json_schema: "schema.json", lark: "grammar.lark", gbnf: "grammar.gbnf" }[kind];
    const before = file ? `printf '%s\\n' ${shell(text)} > ${file}\n` : "";
    const constraint = {
      none: [],
      json_schema: ["--json-schema schema.json"],
      regex: [`--regex ${shell(text)}`],
      choice: text.split("\n").filter(Boolean).map((line) => `--choice ${shell(line)}`),
      lark: ["--grammar grammar.lark"],
      gbnf: ["--grammar grammar.gbnf"],
      expression: [`--constraint ${shell(text)}`],
    }[kind];
    const parts = [
      `condit generate --model ${shell(options.model)}`,
      `--prompt ${shell(prompt)}`,
      ...(chat ? ["--chat"] : []),
      ...(system ? [`--system ${shell(system)}`] : []),
      ...constraint,
      `-n ${request.n} --max-tokens ${request.max_tokens}`,
      ...(sampler(request, options) ? [`--sampler ${sampler(request, options)}`] : []),
      ...(request.seed === undefined ? [] : [`--seed ${request.seed}`]),
      ...(request.temperature === 1 ? [] : [`--temperature ${request.temperature}`]),
      ...(request.instruct ? ["--instruct"] : []),
      "--trace run.jsonl",
    ];
    return `${before}${parts.join(" \\\n  ")}\n`;
  }

  Object.assign(condit, { EXAMPLES, asPython, asCurl, asShell });
})();
