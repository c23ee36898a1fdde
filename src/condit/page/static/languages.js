/* What each kind of constraint is written in: enough of its words to colour them. */
(() => {
  "use strict";

  const STRING = /"(?:[^"\\\n]|\\.)*"?/y;
  const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
  const WORD = /[A-Za-z_][\w.]*/y;
  const SPACE = /\s+/y;

  /** Rules in order: a sticky pattern and the class of what it matches; `null` has none. */
  const RULES = {
    none: [],
    choice: [],
    json_schema: [
      [/"(?:[^"\\\n]|\\.)*"(?=\s*:)/y, "key"],
      [STRING, "string"],
      [NUMBER, "number"],
      [/\b(?:true|false|null)\b/y, "word"],
      [/[{}[\],:]/y, "sign"],
      [SPACE, null],
    ],
    regex: [
      [/\\(?:[pPuUxNgk](?:\{[^}]*\}|<[^>]*>)?|.)/y, "string"],
      [/\[\^?(?:\\.|[^\]\\])*\]?/y, "key"],
      [/\(\?(?:<?[=!]|[:>]|P?<\w+>|[aimsux-]+[:)])?/y, "word"],
      [/[*+?]\??|\{\d*,?\d*\}\??/y, "number"],
      [/[()|^$.]/y, "sign"],
    ],
    lark: grammarRules(/\/(?:[^/\\\n]|\\.)+\/[imslux]*/y, /\/\/[^\n]*/y),
    gbnf: grammarRules(/\[\^?(?:\\.|[^\]\\\n])*\]?/y, /#[^\n]*/y),
    expression: [
      [/(?:[rRbB]?)(?:"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?)/y, "string"],
      [NUMBER, "number"],
      [/[A-Za-z_][\w.]*(?=\s*\()/y, "word"],
      [/[A-Za-z_]\w*(?=\s*=)/y, "key"],
      [/[|&~+*()[\]{},=:]/y, "sign"],
      [WORD, null],
      [SPACE, null],
    ],
  };

  function grammarRules(pattern, comment) {
    return [
      [comment, "comment"],
      [/%\w+/y, "word"],
      [STRING, "string"],
      [pattern, "string"],
      [/[?!]*[A-Za-z_][\w-]*(?=\s*(?::(?!:)|::=))/y, "key"],
      [/[|*+?()~:=[\]{}]/y, "sign"],
      [NUMBER, "number"],
      [WORD, null],
      [SPACE, null],
    ];
  }

  /**
   * A text in pieces, each with the class that colours it.
   * @returns {{text: string, class: string | null}[]}
   */
  function pieces(kind, text) {
    const rules = RULES[kind] ?? [];
    const found = [];
    let plain = "";
    for (let at = 0; at < text.length; ) {
      let match = null;
      for (const [pattern, name] of rules) {
        pattern.lastIndex = at;
        const here = pattern.exec(text);
        if (here && here[0] !== "") {
          match = { text: here[0], class: name };
          break;
        }
      }
      if (match === null) {
        plain += text[at];
        at += 1;
        continue;
      }
      if (plain) found.push({ text: plain, class: null });
      plain = "";
      found.push(match);
      at += match.text.length;
    }
    if (plain) found.push({ text: plain, class: null });
    return found;
  }

  Object.assign(condit, { pieces });
})();
