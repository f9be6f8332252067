// For pages that change by themselves: what has moved, appeared or disappeared ignores clicks for a moment, as long as
// somebody needs from aiming to clicking. What stayed in place can be clicked at any time.
"use strict";

const steady = (() => {
  const MOMENT = 300;
  const NEAR = 24;
  const AIMED = "a[href], button, input:not([type=hidden]), select, summary, textarea";
  let pointer = null;

  // What a click would do, by which a redrawn row is recognised as the same.
  function meaning(node) {
    const key = node.form?.elements.key?.value;
    return [node.tagName, node.name, node.value, node.href, node.ariaLabel, key, node.textContent.trim()].join("\n");
  }

  function places() {
    const found = new Map();
    for (const node of document.querySelectorAll(AIMED)) {
      // A subject's link covers its row.
      const { left, top, width, height } = (node.matches(".open") ? node.closest(".row") : node).getBoundingClientRect();
      if (!width || node.disabled || node.checkVisibility?.({ visibilityProperty: true }) === false) continue;
      let name = meaning(node);
      while (found.has(name)) name += "\nagain";
      found.set(name, [left, top, width, height].map(Math.round));
    }
    return found;
  }

  function cover(boxes) {
    const shield = document.createElement("div");
    shield.className = "still";
    shield.style.clipPath = `path("${boxes.map(([x, y, w, h]) => `M${x} ${y}h${w}v${h}h${-w}z`).join("")}")`;
    document.body.append(shield);
    setTimeout(() => shield.remove(), MOMENT);
  }

  // Make a change that the reader did not ask for just now.
  function steady(change) {
    const before = places();
    change();
    const after = places();
    const moved = [];
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      const [old, now] = [before.get(name), after.get(name)];
      if (String(old) !== String(now)) moved.push(...[old, now].filter(Boolean));
    }
    if (moved.length) cover(moved);
  }

  // Do not show a floating element while the pointer is where it would be.
  function aside(node) {
    node.classList.remove("aside");
    const { left, right, top, bottom } = node.getBoundingClientRect();
    const { x, y } = pointer || {};
    node.classList.toggle("aside", x > left - NEAR && x < right + NEAR && y > top - NEAR && y < bottom + NEAR);
  }

  for (const kind of ["pointermove", "pointerdown"]) {
    addEventListener(kind, ({ clientX, clientY }) => { pointer = { x: clientX, y: clientY }; }, { passive: true });
  }
  return Object.assign(steady, { aside });
})();
