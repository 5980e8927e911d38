"use strict";
(() => {
  const make = (tag, settings = {}) => Object.assign(document.createElement(tag), settings);

  // Tables: sorted by a click on a column's name, filtered by words.
  const numberIn = (text) => (text === "-" || text === "" || text === "nan" ? null : text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text));
  const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const keyOf = (cell, numeric) => {
    if ("seconds" in cell.dataset) return Number(cell.dataset.seconds);
    const text = cell.textContent.trim();
    const value = numeric ? numberIn(text) : text === "-" || text === "" ? null : text;
    return Number.isNaN(value) ? text : value;
  };
  const order = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : words.compare(String(a), String(b)));

  function sort(table, header) {
    const descending = header.getAttribute("aria-sort") === "ascending";
    for (const other of header.parentNode.children) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const body = table.tBodies[0], column = header.cellIndex, numeric = header.classList.contains("n");
    const rows = [...body.rows].map((row) => [keyOf(row.cells[column], numeric), row]);
    rows.sort(([a], [b]) => (a === null ? (b === null ? 0 : 1) : b === null ? -1 : descending ? order(b, a) : order(a, b)));
    body.append(...rows.map(([, row]) => row));
  }

  function filterable(table) {
    const rows = [...table.tBodies[0].rows], tools = make("div", { className: "tools" });
    const input = make("input", { type: "search", placeholder: "filter rows" });
    input.setAttribute("aria-label", `Filter the rows of ${table.dataset.name}`);
    const count = make("output", { textContent: `${rows.length} rows` });
    const texts = rows.map((row) => [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase());
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, at) => {
        row.hidden = !wanted.every((word) => texts[at].includes(word));
        shown += !row.hidden;
      });
      count.textContent = wanted.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
    });
    tools.append(input, count);
    table.parentNode.before(tools);
  }

  function interactive(table) {
    for (const header of table.tHead.rows[0].cells) {
      if ("still" in header.dataset) continue;
      const button = make("button", { type: "button", textContent: header.textContent });
      button.addEventListener("click", () => sort(table, header));
      header.replaceChildren(button);
    }
    if (table.tBodies[0].rows.length > 8) filterable(table);
  }

  // Figures: enlarged in a dialogue, zoomed by buttons or the wheel, moved by dragging or scrolling.
  const zoom = document.querySelector("dialog.zoom");
  function enlarge(figure) {
    const drawing = figure.querySelector(".ground > svg, .ground > img").cloneNode(true);
    const plane = make("div", { className: "plane", tabIndex: 0 }), bar = make("div", { className: "bar" });
    const ratio = (drawing.viewBox ? drawing.viewBox.baseVal.height / drawing.viewBox.baseVal.width : drawing.naturalHeight / drawing.naturalWidth) || 1;
    const fit = Math.min(innerWidth - 24, (innerHeight - 90) / ratio);
    let width = fit;
    const scale = (factor, x = plane.clientWidth / 2, y = plane.clientHeight / 2) => {
      const wanted = Math.max(fit / 2, Math.min(width * factor, fit * 12)), by = wanted / width;
      width = wanted;
      drawing.style.width = `${width}px`;
      plane.scrollLeft = (plane.scrollLeft + x) * by - x;
      plane.scrollTop = (plane.scrollTop + y) * by - y;
    };
    const button = (text, label, action) => {
      const made = make("button", { type: "button", textContent: text });
      made.setAttribute("aria-label", label);
      made.addEventListener("click", action);
      bar.append(made);
    };
    button("\u2212", "Smaller", () => scale(1 / 1.4));
    button("+", "Larger", () => scale(1.4));
    button("fit", "Fit to the window", () => scale(fit / width));
    button("close", "Close", () => zoom.close());
    plane.addEventListener("wheel", (event) => {
      event.preventDefault();
      const around = plane.getBoundingClientRect();
      scale(Math.exp(-event.deltaY / 400), event.clientX - around.left, event.clientY - around.top);
    }, { passive: false });
    let from = null;
    plane.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse") from = [event.clientX + plane.scrollLeft, event.clientY + plane.scrollTop];
    });
    plane.addEventListener("pointermove", (event) => {
      if (from) [plane.scrollLeft, plane.scrollTop] = [from[0] - event.clientX, from[1] - event.clientY];
    });
    for (const end of ["pointerup", "pointerleave"]) plane.addEventListener(end, () => (from = null));
    plane.append(drawing);
    zoom.replaceChildren(bar, plane);
    zoom.showModal();
    scale(1);
  }

  // Values under the pointer, where the figure says how its axes are scaled: `left,top,right,bottom,x,y` by axes.
  function readable(ground) {
    const drawing = ground.querySelector("svg"), axes = JSON.parse(drawing.dataset.axes);
    const label = make("div", { className: "reading", hidden: true });
    ground.append(label);
    const at = ([offset, slope, log], place) => (log ? 10 ** (offset + slope * place) : offset + slope * place);
    const told = (value) => String(Number(value.toPrecision(3)));
    drawing.addEventListener("pointermove", (event) => {
      const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(drawing.getScreenCTM().inverse());
      const found = axes.find(({ box }) => place.x >= box[0] && place.y >= box[1] && place.x <= box[2] && place.y <= box[3]);
      label.hidden = !found;
      if (!found) return;
      label.textContent = `${found.xlabel || "x"} ${told(at(found.x, place.x))}, ${found.ylabel || "y"} ${told(at(found.y, place.y))}`;
      const around = ground.getBoundingClientRect(), right = event.clientX - around.left + 14;
      label.style.left = `${Math.max(0, Math.min(right, around.width - label.offsetWidth - 4))}px`;
      label.style.top = `${Math.max(0, event.clientY - around.top - 34)}px`;
    });
    drawing.addEventListener("pointerleave", () => (label.hidden = true));
  }

  function gallery(form) {
    const cards = [...form.nextElementSibling.children], chosen = [...form.querySelectorAll("select")];
    const apply = () => {
      for (const card of cards) card.hidden = chosen.some((select) => select.value && card.getAttribute(`data-${select.dataset.filter}`) !== select.value);
      form.querySelector("output").textContent = `${cards.filter((card) => !card.hidden).length} of ${cards.length}`;
    };
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", apply);
    apply();
  }

  async function copy(code, button) {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = document.execCommand("copy") ? "copied" : "selected";
    }
    setTimeout(() => (button.textContent = "copy"), 1500);
  }

  // A run that is folded is made interactive when it is opened.
  const ready = new WeakSet();
  function enhance(root) {
    if (ready.has(root)) return;
    ready.add(root);
    const whole = root.matches("details.run") ? root : null;
    const mine = (selector) => [...root.querySelectorAll(selector)].filter((found) => found.closest("details.run") === whole);
    mine("table.data").forEach(interactive);
    for (const figure of mine(".figure").filter((figure) => figure.querySelector(".ground"))) {
      const button = make("button", { type: "button", textContent: "enlarge" });
      button.addEventListener("click", () => enlarge(figure));
      figure.querySelector(".ground").after(button);
    }
    mine(".ground").filter((ground) => ground.querySelector("svg[data-axes]")).forEach(readable);
    for (const command of mine(".command")) {
      const button = make("button", { type: "button", textContent: "copy" });
      button.addEventListener("click", () => copy(command.querySelector("code"), button));
      command.append(button);
    }
    mine(".filters").forEach(gallery);
  }

  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    target.scrollIntoView();
  }

  enhance(document.body);
  document.addEventListener("toggle", (event) => event.target.matches("details.run[open]") && enhance(event.target), true);
  addEventListener("hashchange", reveal);
  reveal();

  // What is folded for the screen's sake is printed.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details[data-print]:not([open])")].filter((part) => !part.closest("details.run:not([open])"));
    for (const part of opened) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of opened) part.open = false;
  });
})();
