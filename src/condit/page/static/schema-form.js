/* A form for the schema of an object with simple fields: it reads such a schema, and writes one. */
(() => {
  "use strict";

  const { html } = htmPreact;

  const TYPES = ["string", "integer", "number", "boolean", "enum", "list of strings"];
  const KEYS = new Set(["type", "properties", "required", "additionalProperties", "$schema", "title", "description"]);
  const LIMITS = { string: ["minLength", "maxLength"], integer: ["minimum", "maximum"], number: ["minimum", "maximum"] };

  /** Whether a text comes back as it is from a list with commas. */
  const listable = (text) => typeof text === "string" && text !== "" && text === text.trim() && !text.includes(",");
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

  /** The fields of a schema, as rows of the form; `null` where it says more than the form can. */
  function fieldsOf(text) {
    // Reading such numbers, or keys, and writing them would change them, or their order.
    if (/\d{16}|"\d+"\s*:/.test(text)) return null;
    let schema;
    try {
      schema = text.trim() === "" ? { type: "object", properties: {} } : JSON.parse(text);
    } catch {
      return null;
    }
    if (!isObject(schema) || schema.type !== "object" || !isObject(schema.properties)) return null;
    if (Object.keys(schema).some((key) => !KEYS.has(key))) return null;
    const required = Array.isArray(schema.required) ? schema.required : [];
    const fields = Object.entries(schema.properties).map(([name, field]) => fieldOf(name, field, required.includes(name)));
    return fields.includes(null) ? null : fields;
  }

  function fieldOf(name, field, required) {
    if (!isObject(field)) return null;
    const { title, description, ...rest } = field;
    const own = { name, required, more: { title, description }, least: "", most: "", options: "" };
    if (Array.isArray(rest.enum) && Object.keys(rest).every((key) => key === "enum" || key === "type"))
      return rest.enum.length > 0 && rest.enum.every(listable) ? { ...own, type: "enum", options: rest.enum.join(", ") } : null;
    if (rest.type === "array" && isObject(rest.items) && rest.items.type === "string" && Object.keys(rest).length === 2 && Object.keys(rest.items).length === 1)
      return { ...own, type: "list of strings" };
    const limits = Object.hasOwn(LIMITS, rest.type) ? LIMITS[rest.type] : rest.type === "boolean" ? [] : null;
    if (limits === null || Object.keys(rest).some((key) => key !== "type" && !limits.includes(key))) return null;
    return { ...own, type: rest.type, least: String(rest[limits[0]] ?? ""), most: String(rest[limits[1]] ?? "") };
  }

  /** The schema of such rows; what else it said, as its title, is kept. */
  function schemaOf(fields, text) {
    const before = text.trim() === "" ? { additionalProperties: false } : JSON.parse(text);
    const properties = [];
    for (const field of fields) {
      const made = {};
      for (const [key, value] of Object.entries(field.more)) if (value !== undefined) made[key] = value;
      if (field.type === "enum") made.enum = field.options.split(",").map((each) => each.trim()).filter(Boolean);
      else if (field.type === "list of strings") Object.assign(made, { type: "array", items: { type: "string" } });
      else {
        made.type = field.type;
        const limits = LIMITS[field.type] ?? [];
        [field.least, field.most].forEach((value, at) => {
          if (limits[at] && value.trim() !== "" && Number.isFinite(Number(value))) made[limits[at]] = Number(value);
        });
      }
      properties.push([field.name, made]);
    }
    const required = fields.filter((field) => field.required).map((field) => field.name);
    return JSON.stringify({ ...before, type: "object", properties: Object.fromEntries(properties), required }, null, 2);
  }

  function SchemaForm({ text, onInput }) {
    const fields = fieldsOf(text);
    if (fields === null)
      return html`<p class="quiet">The form is for objects with simple fields. This schema says more: edit it as text, or clear it.</p>`;
    const put = (at, change) => onInput(schemaOf(fields.map((field, other) => (other === at ? { ...field, ...change } : field)), text));
    const add = () => {
      let name = "field";
      for (let number = 2; fields.some((field) => field.name === name); number += 1) name = `field${number}`;
      onInput(schemaOf([...fields, { name, type: "string", required: true, more: {}, least: "", most: "", options: "" }], text));
    };
    const input = (at, key, label, size) => html`<input
      type="text"
      size=${size}
      aria-label=${`${label} of field ${at + 1}`}
      placeholder=${label}
      value=${fields[at][key]}
      onChange=${(event) => {
        const value = event.target.value;
        if (key === "name" && (value === "" || fields.some((field, other) => other !== at && field.name === value))) event.target.value = fields[at].name;
        else put(at, { [key]: value });
      }}
    />`;
    return html`<div class="schema-form">
      ${fields.map(
        (field, at) => html`<div class="field" key=${at} role="group" aria-label=${`Field ${field.name}`}>
          ${input(at, "name", "name", 14)}
          <select aria-label=${`type of field ${at + 1}`} value=${field.type} onChange=${(event) => put(at, { type: event.target.value, least: "", most: "", ...(event.target.value === "enum" && !field.options ? { options: "first, second" } : {}) })}>
            ${TYPES.map((type) => html`<option value=${type} selected=${type === field.type}>${type === "enum" ? "one of" : type}</option>`)}
          </select>
          ${field.type === "enum" && input(at, "options", "options, with commas", 24)}
          ${LIMITS[field.type] && html`${input(at, "least", LIMITS[field.type][0], 9)}${input(at, "most", LIMITS[field.type][1], 9)}`}
          <label><input type="checkbox" checked=${field.required} onChange=${(event) => put(at, { required: event.target.checked })} /> required</label>
          <button aria-label=${`Remove field ${field.name}`} onClick=${() => onInput(schemaOf(fields.filter((_, other) => other !== at), text))}>Remove</button>
        </div>`,
      )}
      <button onClick=${add}>Add a field</button>
    </div>`;
  }

  Object.assign(condit, { SchemaForm });
})();
