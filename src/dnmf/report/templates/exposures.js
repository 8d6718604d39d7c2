"use strict";
// Draws the exposures of many samples so that they can be zoomed, ordered and read one by one, from the figures that
// stand beside it as JSON. Without this script, and in print, the picture in the same place shows them.
{
  const HEIGHT = 430, AXIS = 62, RIGHT = 8, TOP = 26, STRIP = 70, GAP = 42; // CSS pixels
  const NAMED_FROM = 11, WIDEST = 120, NAME_LETTERS = 16, MOST_TIMES_MEDIAN = 12;
  const INK = "#1f2328", MUTED = "#59636e", LINE = "#e4e7eb", FADED = 0.16;

  // Names go into the page as text only, never as markup.
  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const amount = (value) => (value >= 1000 ? Math.round(value).toLocaleString("en")
    : value.toLocaleString("en", { maximumSignificantDigits: 3 }));
  const percent = (part) => `${(100 * part).toFixed(1)}%`;
  const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

  class ExposurePlot {
    constructor(figure, data) {
      Object.assign(this, { figure, ...data, asShares: true, sorting: "largest", zoom: 1, picked: null, at: -1, part: null });
      this.largest = this.samples.map((_, sample) => this.values.reduce(
        (best, parts, part) => (parts[sample] > this.values[best][sample] ? part : best), 0));
      this.nameRoom = 12 + 7.5 * Math.max(...this.samples.map((name) => Math.min(name.length, NAME_LETTERS)));
      const table = document.getElementById(this.table);
      const rows = table ? Array.from(table.tBodies[0].rows) : [];
      // Row and sample belong together by their place before anything was sorted.
      this.rows = rows.length === this.samples.length ? rows : null;
      this.build();
      if (this.rows) {
        // Both come after the table's own listeners, which stand further inside.
        table.tHead.addEventListener("click", () => this.sorting === "table" && this.arrange());
        table.closest("section").addEventListener("input", () => this.arrange());
      }
      new ResizeObserver(() => this.redraw()).observe(this.box);
      this.arrange();
      figure.classList.add("drawn");
    }

    build() {
      const button = (text, action, attributes = {}) => {
        const made = make("button", { type: "button", ...attributes }, text);
        made.addEventListener("click", () => action(made));
        return made;
      };
      const scale = (text, asShares) => button(text, () => {
        this.asShares = asShares;
        for (const other of this.scales) other.setAttribute("aria-pressed", String(other === chosen[asShares]));
        this.arrange();
      }, { "aria-pressed": String(asShares) });
      const unit = this.unit[0].toUpperCase() + this.unit.slice(1);
      const chosen = { true: scale("Proportions", true), false: scale(unit, false) };
      this.scales = Object.values(chosen);

      const option = (value, text) => make("option", { value }, text);
      const select = make("select", {}, option("largest", "largest signature"), option("total", `${this.unit}, most first`),
        ...(this.rows ? [option("table", "as in the table of samples")] : []),
        make("optgroup", { label: "Most of one signature first" },
          ...this.signatures.map(([name], part) => option(part, name))));
      select.addEventListener("change", () => { this.sorting = select.value; this.arrange(); });

      const middle = () => this.box.clientWidth / 2;
      this.canvas = make("canvas", { tabindex: "0", role: "slider", "aria-orientation": "horizontal", "aria-valuemin": "1", "aria-valuenow": "1", "aria-valuetext": "no sample chosen",
        "aria-label": `Exposures of ${this.samples.length.toLocaleString("en")} samples: left and right arrow for samples, ` +
          "up and down for signatures, Enter to bring one out, plus and minus to zoom" });
      this.inner = make("div", {}, this.canvas);
      this.box = make("div", { class: "exposure-window" }, this.inner);
      this.tip = make("div", { class: "exposure-tip", hidden: "" });
      const overall = this.totals.reduce((sum, total) => sum + total, 0) || 1;
      this.legend = this.signatures.map(([name, colour], part) => button("", () => this.pick(part), { "aria-pressed": "false" }));
      this.legend.forEach((entry, part) => {
        const [name, colour] = this.signatures[part];
        const sum = this.values[part].reduce((before, value) => before + value, 0);
        entry.append(make("span", { class: "swatch", style: `background:${colour}` }), make("bdi", {}, name), ` ${percent(sum / overall)}`);
      });
      const group = (label, ...children) => make("span", { class: "together", role: "group", "aria-label": label }, ...children);
      this.figure.prepend(make("div", { class: "exposure-plot" },
        make("div", { class: "tools" }, group("Scale", ...this.scales), make("label", {}, "Order of samples: ", select),
          group("Zoom", button("−", () => this.zoomBy(1 / 2, middle()), { "aria-label": "Zoom out" }),
            button("+", () => this.zoomBy(2, middle()), { "aria-label": "Zoom in" }),
            button("All", () => this.zoomBy(0, 0), { "aria-label": "Zoom out to all samples" }))),
        make("div", { class: "exposure-ground" }, this.box, this.tip),
        make("ul", { class: "exposure-legend", "aria-label": "Signatures and their shares of all samples" },
          ...this.legend.map((entry) => make("li", {}, entry))),
        make("p", {}, make("small", {}, "Point at a bar, or use the arrow keys, to read it. Select a bar or a name to bring its " +
          "signature out. Zoomed in, the picture scrolls sideways and names the samples."))));

      this.box.addEventListener("scroll", () => this.redraw());
      this.box.addEventListener("wheel", (event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        this.zoomBy(event.deltaY < 0 ? 1.25 : 0.8, event.offsetX);
      }, { passive: false });
      this.canvas.addEventListener("pointermove", (event) => this.point(event));
      this.canvas.addEventListener("pointerdown", (event) => this.point(event));
      this.canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.mark(-1, null));
      this.canvas.addEventListener("blur", () => this.mark(-1, null));
      this.canvas.addEventListener("click", () => this.part !== null && this.pick(this.part));
      this.canvas.addEventListener("keydown", (event) => this.press(event));
    }

    // Puts the samples that the table shows into the order that was asked for.
    arrange() {
      const { rows, values, totals, largest, sorting } = this;
      const size = (part, sample) => (this.asShares ? values[part][sample] / (totals[sample] || 1) : values[part][sample]);
      const all = this.samples.map((_, sample) => sample);
      if (sorting === "table") {
        const places = new Map(rows.map((row, sample) => [row, sample]));
        all.splice(0, all.length, ...Array.from(rows[0].parentElement.rows, (row) => places.get(row)));
      } else if (sorting === "total") {
        all.sort((a, b) => totals[b] - totals[a]);
      } else if (sorting === "largest") {
        const share = (sample) => values[largest[sample]][sample] / (totals[sample] || 1);
        all.sort((a, b) => (totals[a] <= 0) - (totals[b] <= 0) || largest[a] - largest[b]
          || share(b) - share(a) || totals[b] - totals[a]);
      } else {
        all.sort((a, b) => size(sorting, b) - size(sorting, a));
      }
      this.order = all.filter((sample) => !rows || !rows[sample].hidden);
      this.canvas.setAttribute("aria-valuemax", String(Math.max(this.order.length, 1)));
      this.mark(-1, this.part);
    }

    pick(part) {
      this.picked = this.picked === part ? null : part;
      this.legend.forEach((entry, index) => entry.setAttribute("aria-pressed", String(index === this.picked)));
      this.redraw();
    }

    // Zooms so that what is at x stays there; the smallest zoom shows all samples.
    zoomBy(factor, x) {
      this.measure();
      const place = (this.box.scrollLeft + x - AXIS) / this.step;
      this.zoom = clamp(this.zoom * factor, 1, Math.max(1, WIDEST / this.fitting));
      this.measure();
      this.box.scrollLeft = place * this.step - x + AXIS;
      this.redraw();
    }

    measure() {
      const across = Math.max(this.box.clientWidth - AXIS - RIGHT, 1), n = Math.max(this.order.length, 1);
      this.fitting = Math.min(across / n, WIDEST);
      this.step = this.fitting * this.zoom;
      this.inner.style.width = this.zoom > 1 ? `${AXIS + n * this.step + RIGHT}px` : "100%";
      this.bottom = HEIGHT - (this.step >= NAMED_FROM ? this.nameRoom : 24);
      this.top = this.asShares ? TOP + STRIP + GAP : TOP;
    }

    stack() { // the signature that was brought out stands at the bottom, where it can be compared
      const parts = this.signatures.map((_, part) => part);
      return this.picked === null ? parts : [this.picked, ...parts.filter((part) => part !== this.picked)];
    }

    redraw() {
      this.waiting ??= requestAnimationFrame(() => { this.waiting = null; this.draw(); });
    }

    draw() {
      this.measure();
      const { box, canvas, order, step, samples, totals, values, top, bottom, asShares } = this;
      const width = box.clientWidth, ratio = window.devicePixelRatio || 1, left = box.scrollLeft;
      if (!width) return; // not on the screen, as in print
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(HEIGHT * ratio);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${HEIGHT}px`;
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      pen.font = "12px system-ui, 'DejaVu Sans', sans-serif";
      const write = (text, x, y, align, colour = MUTED) => {
        Object.assign(pen, { fillStyle: colour, textAlign: align, textBaseline: "middle" });
        pen.fillText(text, x, y);
      };
      const grid = (y, text) => {
        pen.fillStyle = LINE;
        pen.fillRect(AXIS, Math.round(y), width - AXIS - RIGHT, 1);
        write(text, AXIS - 6, y, "right");
      };
      // Whole points of the screen: neighbouring bars then leave no seam.
      const whole = (value) => Math.round(value * ratio) / ratio;
      const start = (place) => whole(AXIS + place * step - left);
      const first = Math.max(0, Math.floor(left / step));
      const last = Math.min(order.length, Math.ceil((left + width - AXIS - RIGHT) / step));
      const seen = order.slice(first, last);
      const bar = (index, low, high) => {
        const from = start(first + index), to = start(first + index + 1) - (step >= 4 ? 1 : 0);
        pen.fillRect(from, whole(high), Math.max(to - from, 1 / ratio), whole(low) - whole(high));
      };
      // Where few samples have far more than the rest, their bars are cut, and this is said.
      const sizes = seen.map((sample) => totals[sample]).sort((a, b) => a - b);
      const most = sizes.at(-1) || 1, usual = sizes[Math.min(Math.ceil(0.97 * sizes.length) - 1, sizes.length - 2)];
      const cut = !asShares && most > MOST_TIMES_MEDIAN * sizes[sizes.length >> 1] && usual > 0 && usual < most;
      this.limit = asShares ? 1 : cut ? usual : most;
      const height = (value) => bottom - Math.min(value / this.limit, 1) * (bottom - top);

      write(asShares ? "Proportions" : `${this.scales[1].textContent} per sample`, 8, top - 14, "left", INK);
      if (cut) write(`cut above ${amount(usual)}; the highest has ${amount(most)}`, width - RIGHT, top - 14, "right");
      const tick = asShares ? 0.25 : [1, 2, 5, 10].map((part) => part * 10 ** Math.floor(Math.log10(this.limit) - 0.5))
        .find((part) => this.limit / part <= 6);
      for (let value = 0; value <= this.limit * 1.0001; value += tick) grid(height(value), asShares ? `${Math.round(100 * value)}%` : amount(value));
      pen.save();
      pen.beginPath();
      pen.rect(AXIS, 0, width - AXIS - RIGHT, HEIGHT);
      pen.clip();
      const bases = new Float64Array(seen.length);
      for (const part of this.stack()) {
        pen.fillStyle = this.signatures[part][1];
        pen.globalAlpha = this.picked === null || this.picked === part ? 1 : FADED;
        seen.forEach((sample, index) => {
          const value = values[part][sample] / (asShares ? totals[sample] || 1 : 1);
          if (value > 0) bar(index, height(bases[index]), height(bases[index] + value));
          bases[index] += value;
        });
      }
      pen.globalAlpha = 1;
      pen.restore();
      if (asShares) this.drawTotals(pen, seen, { write, grid, bar, width });
      if (!order.length) write("No sample fits the search.", AXIS + 12, (top + bottom) / 2, "left");
      if (step >= NAMED_FROM) {
        seen.forEach((sample, index) => {
          const name = samples[sample], x = AXIS + (first + index + 0.5) * step - left;
          if (x < AXIS) return;
          pen.save();
          pen.translate(x, bottom + 6);
          pen.rotate(-Math.PI / 2);
          write(name.length > NAME_LETTERS ? `${name.slice(0, 8)}…${name.slice(-7)}` : name, 0, 0, "right", INK);
          pen.restore();
        });
      } else if (order.length) {
        write(`${(first + 1).toLocaleString("en")} to ${last.toLocaleString("en")} of ${order.length.toLocaleString("en")} samples`,
          (AXIS + width) / 2, bottom + 14, "center");
      }
      if (this.at >= 0) {
        pen.strokeStyle = INK;
        pen.lineWidth = 1.5;
        const from = start(this.at);
        pen.strokeRect(from - 1, TOP - 2, Math.max(start(this.at + 1) - from, 1) + 1, bottom - TOP + 3);
      }
    }

    // The totals, each in the colour of the sample's largest signature: on a log scale, as few samples have far more.
    drawTotals(pen, seen, { write, grid, bar, width }) {
      const logs = seen.map((sample) => Math.log10(this.totals[sample])).filter(Number.isFinite);
      if (!logs.length) return;
      const low = Math.floor(Math.min(...logs) - 0.1), high = Math.max(Math.ceil(Math.max(...logs)), low + 1);
      const base = TOP + STRIP, height = (log) => base - ((log - low) / (high - low)) * STRIP;
      write(`${this.scales[1].textContent} per sample (log scale)`, 8, TOP - 14, "left", INK);
      for (let log = low; log <= high; log += Math.ceil((high - low) / 4)) grid(height(log), amount(10 ** log));
      pen.save();
      pen.beginPath();
      pen.rect(AXIS, 0, width - AXIS - RIGHT, HEIGHT);
      pen.clip();
      seen.forEach((sample, index) => {
        if (this.totals[sample] <= 0) return;
        pen.fillStyle = this.signatures[this.largest[sample]][1];
        bar(index, base, height(Math.log10(this.totals[sample])));
      });
      pen.restore();
    }

    point(event) {
      this.measure();
      const place = Math.floor((event.offsetX - AXIS + this.box.scrollLeft) / this.step);
      const sample = event.offsetX >= AXIS ? this.order[place] : undefined;
      if (sample === undefined) { this.mark(-1, null); return; }
      let rest = ((this.bottom - event.offsetY) / (this.bottom - this.top)) * this.limit, found = null;
      if (this.asShares) rest *= this.totals[sample];
      for (const part of rest >= 0 ? this.stack() : []) {
        rest -= this.values[part][sample];
        if (rest < 0) { found = part; break; }
      }
      this.mark(place, found, event.offsetY);
    }

    press(event) {
      const { key } = event, n = this.order.length;
      const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: 10, PageDown: -10, Home: -n, End: n };
      if (event.ctrlKey || event.metaKey || event.altKey || !n) return;
      if (key in moves) {
        this.mark(this.at < 0 && key !== "End" ? 0 : clamp(this.at + moves[key], 0, n - 1), this.part ?? this.picked);
      } else if (key === "ArrowUp" || key === "ArrowDown") {
        const place = Math.max(this.at, 0), sample = this.order[place];
        const parts = this.stack().filter((part) => this.values[part][sample] > 0);
        const next = parts.indexOf(this.part) + (key === "ArrowUp" ? 1 : -1);
        this.mark(place, parts[clamp(next, 0, parts.length - 1)] ?? null);
      } else if (key === "Enter" || key === " ") {
        if (this.part !== null) this.pick(this.part);
      } else if (key === "+" || key === "-" || key === "0") {
        this.zoomBy({ "+": 2, "-": 1 / 2, 0: 0 }[key], this.at < 0 ? this.box.clientWidth / 2 : AXIS + this.at * this.step - this.box.scrollLeft);
      } else if (key === "Escape") {
        this.mark(-1, null);
      } else {
        return;
      }
      event.preventDefault();
    }

    // Says in a box beside the bar, and to screen readers, what a sample has of a signature.
    mark(place, part, y = this.top + 10) {
      Object.assign(this, { at: place, part });
      this.tip.hidden = place < 0;
      this.redraw();
      if (place < 0) {
        this.canvas.setAttribute("aria-valuenow", "1");
        this.canvas.setAttribute("aria-valuetext", "no sample chosen");
        return;
      }
      this.measure();
      const x = AXIS + (place + 0.5) * this.step;
      if (x - this.box.scrollLeft < AXIS || x - this.box.scrollLeft > this.box.clientWidth - RIGHT) this.box.scrollLeft = x - this.box.clientWidth / 2;
      const sample = this.order[place], total = this.totals[sample];
      const shown = part ?? this.largest[sample], value = this.values[shown][sample];
      const [name, colour] = this.signatures[shown];
      const lines = total > 0
        ? [`${part === null ? "most from " : ""}${name}: ${amount(value)} ${this.unit}`, `${percent(value / total)} of ${amount(total)}`]
        : [`no ${this.unit}`];
      this.tip.replaceChildren(make("strong", {}, make("bdi", {}, this.samples[sample])),
        ...lines.map((line) => make("div", {}, make("bdi", {}, line))));
      if (total > 0) this.tip.children[1].prepend(make("span", { class: "swatch", style: `background:${colour}` }));
      this.canvas.setAttribute("aria-valuenow", String(place + 1));
      this.canvas.setAttribute("aria-valuetext", [this.samples[sample], ...lines].join(", "));
      const near = x - this.box.scrollLeft, wide = this.tip.offsetWidth;
      this.tip.style.left = `${clamp(near + 14 + wide > this.box.clientWidth ? near - 14 - wide : near + 14, 0, this.box.clientWidth - wide)}px`;
      this.tip.style.top = `${clamp(y - 20, 0, HEIGHT - this.tip.offsetHeight)}px`;
    }
  }

  for (const source of document.querySelectorAll("script.exposure-data")) {
    new ExposurePlot(source.closest("figure"), JSON.parse(source.textContent));
  }
}
