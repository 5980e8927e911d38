// A page of the store: what is running and rows that change are shown as they are; a search needs no button.
(() => {
  const rows = document.querySelector("#rows"), search = document.querySelector("form[role=search]");
  if (!rows || !search) return;
  let asked = 0;

  // The rows that an address shows, in place of those that are there; what is ticked stays ticked.
  async function show(address) {
    const mine = ++asked;
    const answer = await fetch(address);
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html"), made = page.querySelector("#rows");
    if (mine !== asked || !made) return;
    const ticked = new Set([...rows.querySelectorAll("input:checked")].map((box) => box.value));
    for (const box of made.querySelectorAll("input[type=checkbox]")) box.checked = ticked.has(box.value);
    const place = rows.querySelector(".box")?.scrollTop ?? 0;
    rows.replaceChildren(...document.adoptNode(made).childNodes);
    rows.querySelector(".box")?.scrollTo({ top: place, behavior: "instant" });
    const now = page.querySelector("#running"), live = document.querySelector("#running");
    if (now && live) live.dataset.version = now.dataset.version;
  }

  let waiting;
  const wanted = () => {
    const given = [...new FormData(search)].filter(([, value]) => value !== "");
    const address = `${search.getAttribute("action")}?${new URLSearchParams(given)}`;
    history.replaceState(null, "", address);
    return show(address);
  };
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(wanted, 250);
  });
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    wanted();
  });

  const live = document.querySelector("#running");
  if (!live) return;
  async function look() {
    if (!document.hidden) {
      try {
        const answer = await fetch(`${document.body.dataset.base}live`);
        if (answer.ok) {
          const { version, running } = await answer.json();
          if (!live.contains(document.activeElement)) live.innerHTML = running;
          if (String(version) !== live.dataset.version) await show(location.href);
        }
      } catch {
        // The server has ended, or is busy: the next look will tell.
      }
    }
    setTimeout(look, 2000);
  }
  setTimeout(look, 2000);
})();
