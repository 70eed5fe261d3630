// Filter and sort of the clause table: the page is whole without it.
(() => {
  const table = document.getElementById("matrix");
  if (!table) return;
  const body = table.tBodies[0], rows = [...body.rows];
  const filter = document.getElementById("filter"), verdict = document.getElementById("verdict");
  const show = () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word))
        || (verdict.value && !row.dataset.verdicts.split(" ").includes(verdict.value));
      shown += !row.hidden;
    }
    document.getElementById("shown").textContent = shown === rows.length ? `${shown} lines` : `${shown} of ${rows.length} lines`;
  };
  filter.addEventListener("input", show);
  verdict.addEventListener("change", show);
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const sort = () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const text = (row) => row.cells[column].textContent;
      rows.sort((a, b) => text(a).localeCompare(text(b), "en", { numeric: true }) * (down ? -1 : 1));
      body.append(...rows);
    };
    head.tabIndex = 0;
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
})();
