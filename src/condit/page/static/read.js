/* The lines of a trace file, read into one run. Whatever the file holds, reading it never fails:
 * what cannot be used is listed in `problems`. Nothing here touches the page. */
(() => {
  "use strict";

  const MOST_PROBLEMS = 100;
  const LONGEST_LINE = 16 * 1024 * 1024;

  /**
   * One token of one text, as a node of the tree of texts: a text is the path to its node.
   * @typedef {Object} Node
   * @property {Object} draw - the line of the file.
   * @property {Node | null} parent - the token before it.
   * @property {number} depth - how many tokens come before it.
   * @property {number} children - how many nodes name it as their parent.
   * @property {boolean} alive - whether a text that was returned goes through it.
   */

  /**
   * One text as it grew.
   * @typedef {Object} Text
   * @property {string} key - "lane:3", "attempt:7".
   * @property {string} name - for people.
   * @property {number | null} lane
   * @property {number | null} attempt
   * @property {Node | null} head - its newest token.
   * @property {Object | null} end - the line that ended it.
   */

  const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
  const index = (value) => (Number.isSafeInteger(value) && value >= 0 && value < 1e7 ? value : null);
  const textOf = (value) => (typeof value === "string" ? value : "");

  class Reading {
    constructor() {
      this.info = {};
      this.steps = [];
      this.texts = new Map();
      this.nodes = [];
      this.resamplings = [];
      this.boundaries = new Map();
      this.alternatives = new Map();
      this.result = null;
      this.problems = [];
      this.moreProblems = 0;
      this.lines = 0;
      /** Nodes of the step that is being read, for samplers that name ancestors of draws. */
      this.drawn = [];
    }

    problem(line, what) {
      if (this.problems.length < MOST_PROBLEMS) this.problems.push({ line, what });
      else this.moreProblems += 1;
    }

    line(source, number) {
      if (!source.trim()) return;
      if (source.length > LONGEST_LINE) {
        this.problem(number, `is ${source.length.toLocaleString("en")} characters long, and left out`);
        return;
      }
      let record;
      try {
        record = JSON.parse(source);
      } catch (error) {
        this.problem(number, `is not JSON: ${error.message}`);
        return;
      }
      if (record === null || typeof record !== "object" || Array.isArray(record)) {
        this.problem(number, "is not a JSON object");
        return;
      }
      const take = this[`take_${record.kind}`];
      if (!Object.hasOwn(KINDS, record.kind) || !take) {
        this.problem(number, `has a kind that is not known: ${String(record.kind).slice(0, 40)}`);
        return;
      }
      this.lines += 1;
      take.call(this, record, number);
    }

    take_run(record, number) {
      if (record.format !== "condit-trace") this.problem(number, "does not name the format condit-trace");
      else if (isNumber(record.version) && record.version > 1)
        this.problem(number, `is of version ${record.version} of the format, and this page knows 1`);
      this.info = record;
    }

    take_attempt(record) {
      this.textOf(record);
    }

    take_draw(record, number) {
      if (index(record.step) === null) {
        this.problem(number, "is a draw without a step");
        return;
      }
      const text = this.textOf(record);
      const parent = text.head;
      const node = { draw: record, parent, depth: parent ? parent.depth + 1 : 0, children: 0, alive: false };
      if (parent) parent.children += 1;
      this.nodes.push(node);
      this.drawn.push(node);
      text.head = node;
    }

    take_resample(record, number) {
      if (!Array.isArray(record.ancestors) || record.ancestors.some((each) => index(each) === null)) {
        this.problem(number, "resamples without a list of ancestors");
        return;
      }
      this.resamplings.push(record);
      if (this.isBeam) {
        this.follow(record.ancestors);
        return;
      }
      const heads = record.ancestors.map((lane) => this.texts.get(`lane:${lane}`)?.head ?? null);
      heads.forEach((head, lane) => {
        this.textOf({ lane, attempt: null }).head = head;
      });
    }

    get isBeam() {
      return /^beam\b/i.test(textOf(this.info.sampler)) || this.drawn.some((node) => node.draw.lane === null);
    }

    /** Beam search: each token drawn in this step continues a text of the beam before. */
    follow(ancestors) {
      const before = this.beam ?? [];
      this.drawn.forEach((node, place) => {
        if (node.parent) node.parent.children -= 1;
        node.parent = before[ancestors[place]] ?? null;
        node.depth = node.parent ? node.parent.depth + 1 : 0;
        if (node.parent) node.parent.children += 1;
      });
    }

    take_boundary(record) {
      const key = `${record.lane}|${record.step}`;
      this.boundaries.set(key, record);
    }

    take_end(record) {
      const text = this.textOf(record);
      text.end = record;
    }

    take_step(record) {
      this.beam = [];
      for (const node of this.drawn) this.beam[node.draw.attempt ?? node.draw.lane ?? 0] = node;
      this.drawn = [];
      this.steps.push(record);
    }

    take_alternatives(record) {
      if (Array.isArray(record.tokens))
        this.alternatives.set(`${record.lane}|${record.attempt}|${record.step}`, record);
    }

    take_result(record) {
      this.result = record;
    }

    textOf(record) {
      const lane = index(record.lane);
      const attempt = index(record.attempt);
      const key = attempt !== null ? `attempt:${attempt}` : `lane:${lane ?? 0}`;
      let text = this.texts.get(key);
      if (!text) {
        const name = attempt !== null ? `attempt ${attempt}` : `lane ${lane ?? 0}`;
        text = { key, name, lane, attempt, head: null, end: null };
        this.texts.set(key, text);
      }
      return text;
    }

    finish() {
      const texts = [...this.texts.values()];
      const samples = Array.isArray(this.result?.samples) ? this.result.samples : [];
      for (const text of texts) {
        text.path = pathTo(text.head);
        const sample = text.attempt === null ? samples[text.lane] : null;
        text.sample = sample && typeof sample === "object" ? sample : null;
        const weight = isNumber(text.sample?.weight) ? text.sample.weight : null;
        text.accepted = text.end ? text.end.accepted === true : null;
        text.weight = weight ?? (text.accepted ? 1 : 0);
        if (text.accepted !== false) for (const node of text.path) node.alive = true;
      }
      this.mostSteps = Math.max(
        this.steps.length,
        this.nodes.reduce((most, node) => Math.max(most, node.draw.step + 1), 0),
      );
      return {
        info: this.info,
        steps: this.steps,
        texts,
        nodes: this.nodes,
        resamplings: this.resamplings,
        boundaries: this.boundaries,
        alternatives: this.alternatives,
        result: this.result,
        samples,
        problems: this.problems,
        moreProblems: this.moreProblems,
        mostSteps: this.mostSteps,
        lines: this.lines,
      };
    }
  }

  const KINDS = {
    run: 1, attempt: 1, draw: 1, resample: 1, boundary: 1, end: 1, step: 1, alternatives: 1, result: 1,
  };

  /** The nodes of a text, the first token first. */
  function pathTo(head) {
    const path = [];
    for (let node = head; node; node = node.parent) path.push(node);
    return path.reverse();
  }

  /** A whole file as one run. */
  function read(source) {
    const reading = new Reading();
    let at = 0;
    for (let number = 1; at < source.length; number += 1) {
      let end = source.indexOf("\n", at);
      if (end < 0) end = source.length;
      reading.line(source.slice(at, end), number);
      at = end + 1;
    }
    return reading.finish();
  }

  globalThis.condit = Object.assign(globalThis.condit ?? {}, { read, Reading, isNumber });
})();
