// Pages work without this. It keeps the choice of wei, and finds workers on an exported site.
"use strict";

const inWei = document.getElementById("in-wei");
try {
  inWei.checked = localStorage.getItem("in-wei") === "yes";
  inWei.addEventListener("change", () =>
    localStorage.setItem("in-wei", inWei.checked ? "yes" : "no"));
} catch {
  // Storage is refused: the choice holds for this page.
}

for (const form of document.querySelectorAll("form.find")) {
  const found = form.querySelector("#found");
  const worker = form.dataset.worker;
  // A server looks addresses up by itself.
  if (!worker.endsWith(".html")) continue;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wanted = form.elements.address.value.trim().toLowerCase();
    try {
      const answer = await fetch(form.dataset.document);
      const pool = await answer.json();
      const one = pool.workers.find((row) => row.address.toLowerCase() === wanted);
      if (one) location.href = worker.replace("ADDRESS", one.address);
      else found.textContent = `No worker of this pool has the address ${wanted}.`;
    } catch {
      found.textContent = "The list of workers can't be loaded: look for the address on the page of the workers.";
    }
  });
}
