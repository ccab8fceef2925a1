// One step is one entry of the browser's history. Streamlit pushes one for the page somebody goes to, whose links drop
// the query string, and would push another when the page then completes its own address: the way back would lead to a
// half address first. What nobody asked for, by pointer or key, since the page was entered replaces the entry instead.
const HELD = Symbol.for("tapewatch address")

if (!window[HELD]) {
  window[HELD] = true
  let untouched = false
  const push = history.pushState.bind(history)
  history.pushState = (state, unused, url) => {
    if (new URL(url ?? "", location.href).pathname !== location.pathname) {
      untouched = true
      push(state, unused, url)
    } else if (untouched) history.replaceState(state, unused, url)
    else push(state, unused, url)
  }
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => (untouched = false), true)
}
