"use strict";
// Row headers are no buttons: only the head of a table is made one.
enhanceSortableAccessibility(document.querySelectorAll("table.sortable > thead"));

const style = JSON.parse(document.getElementById("chart-style").textContent);
const drawn = [...document.querySelectorAll("script.spec")].map(async (data) => {
  const box = data.previousElementSibling;
  try {
    await vegaEmbed(box, JSON.parse(data.textContent), {
      config: style,
      renderer: "svg",
      actions: false,
      // Evaluated by an interpreter: the page's policy allows no eval.
      ast: true,
      defaultStyle: false,
      tooltip: { disableDefaultStyle: true },
    });
  } catch (error) {
    box.textContent = "This chart could not be drawn; the table below says the same.";
    console.error(error);
  }
});
Promise.all(drawn).then(() => document.documentElement.classList.add("drawn"));

// On paper nothing can be unfolded.
let folded = [];
window.addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  folded.forEach((part) => (part.open = true));
});
window.addEventListener("afterprint", () => folded.forEach((part) => (part.open = false)));
