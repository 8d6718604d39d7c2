
"use strict";
// Sorts tables by their headings and filters the samples. Without it, everything is still there to read.
document.documentElement.classList.add("scripted");

function keyOf(row, column) {
  const cell = row.cells[column];
  const number = Number(cell.dataset.value ?? cell.textContent.replace(/[,%]/g, ""));
  return { text: cell.textContent.trim(), number };
}

function sortBy(table, column, button) {
  const heading = button.parentElement;
  const numeric = heading.classList.contains("number");
  const before = heading.getAttribute("aria-sort");
  const down = before ? before === "ascending" : numeric;
  const body = table.tBodies[0];
  const keyed = Array.from(body.rows, (row) => ({ row, key: keyOf(row, column) }));
  const order = new Intl.Collator("en", { numeric: true });
  keyed.sort((a, b) => (numeric ? a.key.number - b.key.number : order.compare(a.key.text, b.key.text)));
  if (down) keyed.reverse();
  for (const other of table.tHead.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const sorted = document.createDocumentFragment();
  for (const { row } of keyed) sorted.append(row);
  body.append(sorted);
}

// Where a window is narrow the rows of samples are shown as cards: the style then needs each cell's heading, and the
// browser must be told that this is still a table.
for (const table of document.querySelectorAll("table.samples")) {
  const headings = Array.from(table.tHead.rows[0].cells, (cell) => cell.textContent);
  table.role = "table";
  for (const part of [table.tHead, table.tBodies[0]]) part.role = "rowgroup";
  for (const row of table.rows) {
    row.role = "row";
    Array.from(row.cells).forEach((cell, column) => {
      cell.role = { col: "columnheader", row: "rowheader" }[cell.scope] ?? "cell";
      cell.dataset.label = headings[column];
    });
  }
}

for (const table of document.querySelectorAll("table.sortable")) {
  table.tHead.querySelectorAll("th").forEach((heading) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sortBy(table, heading.cellIndex, button));
  });
}

for (const search of document.querySelectorAll("input.search")) {
  const section = search.closest("section");
  const found = section.querySelector(".found");
  const rows = Array.from(section.querySelector("table.samples").tBodies[0].rows);
  const texts = rows.map((row) => row.textContent.toLowerCase());
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase().split(/\s+/);
    let shown = 0;
    rows.forEach((row, index) => {
      const fits = wanted.every((word) => texts[index].includes(word));
      row.hidden = !fits;
      shown += fits;
    });
    found.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} samples`;
  });
}
