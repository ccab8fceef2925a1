// A wall: one size larger, a bar with time and freshness, and a turn of the page when its time is over.
// The module stays while pages come and go; the server says which page is next and whether it cannot wait.
const FOR_ME = ["pointermove", "pointerdown", "wheel", "keydown", "touchstart"]
const AGAIN_MS = 5000, PATIENCE_MS = 30_000
let told, turn, page, shownMs, touchedMs = -Infinity, askedMs = -Infinity, waitsMs = Infinity, bar

// A page that broke hears no more: the next one is loaded anew, if the server is there to give it.
const load = async () => {
  const base = location.pathname.replace(/[^/]*$/, "")
  if ((await fetch(`${base}_stcore/health`).catch(() => null))?.ok) location.assign(base + told.next_address)
}

const turnOver = (now) => {
  waitsMs = Math.min(waitsMs, now)
  if (now - askedMs < AGAIN_MS) return
  askedMs = now
  if (now - waitsMs < PATIENCE_MS) turn("turn", told.next)
  else load()
}

const tick = () => {
  const now = Date.now()
  const paused = touchedMs + told.pause_s * 1000 - now
  const left = Math.max(shownMs + told.every_s * 1000 - now, 0)
  const ahead = !told.next
    ? told.why
    : paused > 0
      ? `paused, somebody is here: goes on in ${Math.ceil(paused / 1000)} s`
      : `${told.next_title} in ${Math.ceil(left / 1000)} s`
  const [time, state, next] = bar.children
  time.textContent = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: told.zone }).format(now)
  const age = Math.max(0, Math.round(now / 1000 - told.oldest_s))
  state.textContent = `${told.state} · ${told.oldest_s === null ? "waiting for the first results" : `oldest value ${age} s ago`}`
  next.textContent = ahead
  if (told.next && paused <= 0 && (told.at_once || !left)) turnOver(now)
  else waitsMs = Infinity
}

const build = () => {
  bar = document.createElement("footer")
  bar.setAttribute("aria-label", "Wall")
  bar.append(...["time", "state", "next"].map(() => document.createElement("span")))
  bar.style.cssText =
    "position:fixed;left:0;right:0;bottom:0;z-index:999990;display:flex;justify-content:space-between;" +
    "gap:24px;padding:6px 24px;font-variant-numeric:tabular-nums"
  bar.firstChild.style.fontWeight = "600"
  document.body.append(bar)
  FOR_ME.forEach((kind) => addEventListener(kind, () => (touchedMs = Date.now()), { passive: true, capture: true }))
  setInterval(tick, 250)
}

export default ({ data, parentElement, setTriggerValue }) => {
  const query = new URLSearchParams(location.search)
  if (!query.has("embed")) {
    query.set("embed", "true") // Streamlit's own word for: no toolbar
    return location.replace(`?${query}`)
  }
  told = data
  turn = setTriggerValue
  if (page !== data.page) {
    page = data.page
    shownMs = Date.now()
    askedMs = -Infinity
  }
  if (!bar) build()
  document.documentElement.style.zoom = Math.max(1, screen.width / data.width_px)
  const look = getComputedStyle(parentElement.host ?? parentElement)
  const colour = (name) => look.getPropertyValue(`--st-${name}`)
  bar.style.font = `14px ${colour("font")}`
  bar.style.color = colour("text-color")
  bar.style.background = colour("secondary-background-color")
  tick()
}
