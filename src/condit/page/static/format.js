/* Numbers and texts as people read them. Text of a model or a user is only ever handed to preact as
 * text, never as HTML; what would change how other text is shown is spelled out. */
(() => {
  "use strict";

  const { isNumber } = condit;

  const NAMES = new Map([
    ["\n", "↵"], ["\t", "→"], ["\r", "␍"], [" ", "␣"], ["\u00a0", "no-break space"],
    ["\u200b", "zero-width space"], ["\ufeff", "byte order mark"],
  ]);

  /** Characters without a shape of their own, or that turn or hide others. */
  const HIDDEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff0-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

  const code = (character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

  /**
   * A text in parts: plain ones, and characters that are shown by a name.
   * @param {string} text
   * @returns {{text: string, hidden: boolean}[]}
   */
  function visible(text) {
    const parts = [];
    let rest = text;
    for (;;) {
      const found = rest.search(HIDDEN);
      if (found < 0) break;
      if (found > 0) parts.push({ text: rest.slice(0, found), hidden: false });
      const character = rest[found];
      parts.push({ text: NAMES.get(character) ?? code(character), hidden: true });
      rest = rest.slice(found + 1);
    }
    if (rest) parts.push({ text: rest, hidden: false });
    return parts;
  }

  /** What stands where a text is expected; of a hostile file it may be anything. */
  const told = (value) => (value !== null && typeof value === "object" ? JSON.stringify(value) : String(value));

  /** A token in quotes, with white space spelled out. */
  function quoted(text) {
    const spelled = visible(text)
      .map((part) => (part.hidden ? `⟨${part.text}⟩` : part.text.replaceAll("\n", "↵")))
      .join("");
    return `“${spelled}”`;
  }

  const cut = (text, most) => (text.length > most ? `${text.slice(0, most)}…` : text);

  /** The text on one line, cut after so many characters. */
  function oneLine(text, most) {
    return visible(cut(text, most))
      .map((part) => part.text)
      .join("")
      .replaceAll("\n", " ↵ ");
  }

  const significant = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

  /** A number to three digits; very small and very large ones by a power of ten. */
  function number(value) {
    if (!isNumber(value)) return "–";
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(1).replace("e-", "e−");
    return significant.format(value).replace("-", "−");
  }

  /** "1 step", "2 steps". */
  const counted = (value, one) => `${whole.format(value)} ${one}${value === 1 ? "" : "s"}`;

  const count = (value) => (isNumber(value) ? whole.format(value) : "–");

  /** A share between 0 and 1 in per cent, exact where that matters at the ends. */
  function share(value) {
    if (!isNumber(value)) return "–";
    if (value === 0) return "0 %";
    if (value > 1 - 1e-9) return "100 %";
    const percent = 100 * value;
    if (percent < 0.001) return "< 0.001 %";
    if (percent < 0.1) return `${percent.toFixed(percent < 0.01 ? 3 : 2)} %`;
    if (percent > 99.9) return "> 99.9 %";
    return `${significant.format(percent)} %`;
  }

  /** A probability given by its natural logarithm; `null` stands for a probability of 0. */
  const probability = (log) => (log === null ? "0 %" : isNumber(log) ? share(Math.exp(log)) : "–");

  /** Seconds as a person would say them. */
  function seconds(value) {
    if (!isNumber(value)) return "–";
    if (value < 1) return `${whole.format(1000 * value)} ms`;
    return value < 120 ? `${significant.format(value)} s` : `${whole.format(value / 60)} min`;
  }

  const hexadecimal = (text) => {
    const bytes = typeof text === "string" ? text.match(/[0-9a-f]{2}/gi) ?? [] : [];
    return Uint8Array.from(bytes, (each) => Number.parseInt(each, 16));
  };

  /**
   * What each token of a path shows: its text; of tokens that end in the middle of a character
   * their bytes, and the character at the token that completes it.
   * @returns {{text: string, raw: boolean, prompt?: boolean}[]}
   */
  function spelled(path) {
    const shown = [];
    let decoder = null;
    for (const { draw } of path) {
      const own = typeof draw.text === "string" ? draw.text : "";
      // Bytes that write the end of the prompt again are no part of the text.
      const again = Number.isSafeInteger(draw.prompt_bytes) && draw.prompt_bytes > 0 ? draw.prompt_bytes : 0;
      if (typeof draw.bytes !== "string" && !decoder && again === 0) {
        shown.push({ text: own, raw: false });
        continue;
      }
      decoder ??= new TextDecoder("utf-8", { ignoreBOM: true });
      const bytes = (typeof draw.bytes === "string" ? hexadecimal(draw.bytes) : new TextEncoder().encode(own)).slice(again);
      if (again > 0 && bytes.length === 0) {
        shown.push({ text: "", raw: false, prompt: true });
        if (typeof draw.bytes !== "string") decoder = null;
        continue;
      }
      const text = decoder.decode(bytes, { stream: true });
      // Nothing can be left open after a token of whole characters.
      if (typeof draw.bytes !== "string") decoder = null;
      shown.push(text ? { text, raw: false } : { text: draw.bytes ?? "", raw: true });
    }
    return shown;
  }

  Object.assign(condit, { counted, told, cut, visible, quoted, oneLine, number, count, share, probability, seconds, spelled });
})();
