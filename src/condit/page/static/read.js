/* The lines of a trace file, read into one run. Whatever the file holds, reading it never fails:
 * what cannot be used is listed in `problems`. Nothing here touches the page. */
(() => {
  "use strict";

  const VERSION = 2;
  const MOST_PROBLEMS = 100;
  const LONGEST_LINE = 16 * 1024 * 1024;
  const MOST_DEPTH = 200;

  /**
   * One token of one text, as a node of the tree of texts: a text is the path to its node.
   * @typedef {Object} Node
   * @property {Object} draw - the line of the file.
   * @property {Node | null} parent - the token before it.
   * @property {boolean} alive - whether a text that was returned goes through it.
   */

  /**
   * One text: a sample, or one that was given up.
   * @typedef {Object} Text
   * @property {string} key - "lane:3", "attempt:7".
   * @property {string} name - for people.
   * @property {number | null} lane
   * @property {number | null} attempt
   * @property {Node | null} head - its newest token.
   * @property {Object | null} end - the line that ended it.
   * @property {Object | null} sample - what the result says of it.
   * @property {number} weight - its share of the weight of all.
   * @property {Node[]} path - its tokens.
   */

  const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
  const index = (value) => (Number.isSafeInteger(value) && value >= 0 && value < 1e7 ? value : null);
  const textOf = (value) => (typeof value === "string" ? value : "");

  /**
   * Makes it safe to show any part of a value as text, which fails for an object that has a value
   * where JavaScript looks for a function, and for lists in thousands of lists.
   * @returns {boolean} false if it is nested too deeply.
   */
  function tame(value, depth = 0) {
    if (value === null || typeof value !== "object") return true;
    if (depth > MOST_DEPTH) return false;
    if (Object.hasOwn(value, "toString")) delete value.toString;
    if (Object.hasOwn(value, "valueOf")) delete value.valueOf;
    return Object.values(value).every((each) => tame(each, depth + 1));
  }

  /** The digits of a seed that JavaScript's numbers are too short for, as they stand in its line. */
  const digits = (source, rounded) =>
    [...source.matchAll(/"seed": ?(\d+)/g)].map((found) => found[1]).find((found) => Number(found) === rounded) ?? rounded;

  class Reading {
    constructor() {
      this.info = {};
      this.steps = [];
      this.texts = new Map();
      this.nodes = [];
      /** Nodes by the number of their draw. */
      this.byNumber = new Map();
      this.resamplings = [];
      this.boundaries = new Map();
      /** Events of an agent by the number of their first draw. */
      this.events = new Map();
      this.alternatives = new Map();
      this.result = null;
      this.problems = [];
      this.moreProblems = 0;
      this.lines = 0;
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
      if (!tame(record)) {
        this.problem(number, "is nested too deeply");
        return;
      }
      if (isNumber(record.seed) && !Number.isSafeInteger(record.seed)) record.seed = digits(source, record.seed);
      const take = this[`take_${record.kind}`];
      if (!Object.hasOwn(KINDS, record.kind) || !take) {
        this.problem(number, `has a kind that is not known: ${String(record.kind).slice(0, 40)}`);
        return;
      }
      for (const name of ["draw", "step", "lane", "attempt"])
        if (record[name] !== undefined) record[name] = index(record[name]);
      this.lines += 1;
      take.call(this, record, number);
    }

    take_run(record, number) {
      if (record.format !== "condit-trace") this.problem(number, "does not name the format condit-trace");
      else if (isNumber(record.version) && record.version > VERSION)
        this.problem(number, `is of version ${record.version} of the format, and this page knows ${VERSION}`);
      this.info = record;
    }

    take_attempt(record) {
      this.textOf(record);
    }

    take_draw(record, number) {
      if (!isNumber(record.step)) {
        this.problem(number, "is a draw without a step");
        return;
      }
      const text = this.textOf(record);
      const before = index(record.after);
      const parent = before !== null ? (this.byNumber.get(before) ?? null) : record.after === null ? null : text.head;
      const node = { draw: record, parent, alive: false };
      if (isNumber(record.draw)) this.byNumber.set(record.draw, node);
      this.nodes.push(node);
      // A token that was refused is no part of the text.
      if (record.refused !== true) text.head = node;
    }

    take_resample(record, number) {
      if (!Array.isArray(record.ancestors) || record.ancestors.some((each) => index(each) === null)) {
        this.problem(number, "resamples without a list of ancestors");
        return;
      }
      this.resamplings.push(record);
      // In a beam, where no text has a lane, it names ranks of draws: `after` says the same.
      if (this.nodes.at(-1)?.draw.lane === null) return;
      const heads = record.ancestors.map((lane) => this.texts.get(`lane:${lane}`)?.head ?? null);
      heads.forEach((head, lane) => {
        this.textOf({ lane, attempt: null }).head = head;
      });
    }

    take_boundary(record) {
      const key = `${record.lane}|${record.step}`;
      this.boundaries.set(key, record);
    }

    take_event(record) {
      this.events.set(index(record.draw), record);
    }

    take_end(record) {
      const text = this.textOf(record);
      text.end = record;
      text.head = this.byNumber.get(record.draw) ?? text.head;
    }

    take_step(record) {
      this.steps.push(record);
    }

    take_alternatives(record) {
      if (Array.isArray(record.tokens)) this.alternatives.set(record.draw, record);
    }

    take_result(record) {
      this.result = record;
    }

    textOf(record) {
      const { lane = null, attempt = null } = record;
      const key = attempt !== null ? `attempt:${attempt}` : `lane:${lane ?? 0}`;
      let text = this.texts.get(key);
      if (!text) {
        const name = attempt !== null ? `attempt ${attempt}` : `lane ${lane ?? 0}`;
        text = { key, name, lane, attempt, head: null, end: null, sample: null, weight: 0, path: [] };
        this.texts.set(key, text);
      }
      return text;
    }

    /** The run as far as it was read; more lines may follow. */
    finish() {
      const samples = this.result ? listed(this.result.samples) : [];
      const texts = samples.length > 0 ? this.withSamples(samples) : [...this.texts.values()];
      if (samples.length === 0) weigh(texts);
      for (const node of this.nodes) node.alive = false;
      for (const text of texts) {
        text.path = pathTo(text.head);
        if (samples.length === 0 || text.sample) for (const node of text.path) node.alive = true;
      }
      return {
        info: this.info,
        steps: this.steps,
        texts,
        nodes: this.nodes,
        resamplings: this.resamplings,
        boundaries: this.boundaries,
        events: this.events,
        alternatives: this.alternatives,
        result: this.result,
        samples,
        problems: this.problems,
        moreProblems: this.moreProblems,
        mostSteps: this.nodes.reduce((most, node) => Math.max(most, node.draw.step + 1), this.steps.length),
        lines: this.lines,
      };
    }

    /** The samples, each with its path, and then the texts that were given up. */
    withSamples(samples) {
      const taken = new Set();
      const found = samples.map((sample, lane) => {
        const last = index(sample.draw);
        const own = this.texts.get(`lane:${lane}`);
        const head = last === null ? (own?.head ?? null) : (this.byNumber.get(last) ?? null);
        taken.add(head);
        const weight = isNumber(sample.weight) ? sample.weight : 0;
        return { key: `lane:${lane}`, name: `sample ${lane}`, lane, attempt: null, head, end: own?.end ?? null, sample, weight, path: [] };
      });
      for (const text of this.texts.values())
        if (text.attempt !== null && !taken.has(text.head)) found.push(text);
      return found;
    }
  }

  const listed = (value) => (Array.isArray(value) ? value.filter((each) => each !== null && typeof each === "object") : []);

  /** Shares of texts by the weight that they have so far. */
  function weigh(texts) {
    const logs = texts.map((text) => (isNumber(text.head?.draw.log_weight) ? text.head.draw.log_weight : -Infinity));
    const most = logs.reduce((a, b) => Math.max(a, b), -Infinity);
    const weights = logs.map((log) => (most === -Infinity ? 0 : Math.exp(log - most)));
    const total = weights.reduce((a, b) => a + b, 0) || 1;
    texts.forEach((text, at) => {
      text.weight = weights[at] / total;
    });
  }

  const KINDS = {
    run: 1, attempt: 1, draw: 1, resample: 1, event: 1, boundary: 1, end: 1, step: 1, alternatives: 1, result: 1,
  };

  /** The nodes of a text, the first token first. */
  function pathTo(head) {
    const path = [];
    // A parent was read before its child, so no path leads in a circle.
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
