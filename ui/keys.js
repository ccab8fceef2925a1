// Keys for what buttons and links do. A key clicks them, so nothing is done in a second way.
const FIELDS = "input, textarea, select, [contenteditable=true], [role=dialog], [data-testid=stDataFrame], canvas"
const NEXT_MS = 1500, OPEN_MS = 10_000, KEPT_MS = 500
let told, trigger, list, goingMs = -Infinity, acts = 0

const seen = (selector) => [...document.querySelectorAll(selector)].find((element) => element.offsetParent)

const go = (title) =>
  [...document.querySelectorAll("[data-testid=stSidebarNavLink]")].find((a) => a.textContent.endsWith(title))?.click()

// A popover that opens takes the focus for itself at first: the field gets it again until it keeps it, or somebody
// does something else.
const focus = (selector, untilMs, mine = acts, sinceMs = Date.now()) => {
  const now = Date.now()
  if (mine !== acts || now > untilMs) return
  const field = seen(selector)
  if (!field || document.activeElement !== field) {
    field?.focus()
    sinceMs = now
  }
  if (now - sinceMs < KEPT_MS) requestAnimationFrame(() => focus(selector, untilMs, mine, sinceMs))
}

const act = ({ click, field, page, sends }) => {
  if (click) seen(click)?.click()
  if (page && !seen(field)) go(page)
  if (field) focus(field, Date.now() + OPEN_MS)
  if (sends) trigger(sends, true)
}

const press = (event) => {
  const [target] = event.composedPath()
  const key = event.key
  acts += 1
  if (!list.isConnected || event.ctrlKey || event.metaKey || event.altKey || key === "Shift") return
  if (list.open || target.closest?.(FIELDS)) return
  const going = event.timeStamp - goingMs < NEXT_MS
  goingMs = !going && key === "g" ? event.timeStamp : -Infinity
  const known = told.keys.find((one) => one.key === key)
  if (going && told.jumps[key]) go(told.jumps[key])
  else if (key === "?") list.showModal()
  else if (known) act(known)
  else if (key !== "g") return
  event.preventDefault()
  event.stopImmediatePropagation() // Streamlit has keys of its own: r and c
}

const fill = () => {
  const rows = [
    ...told.keys.map(({ key, does }) => [key, does]),
    ...Object.entries(told.jumps).map(([letter, title]) => [`g ${letter}`, title]),
    ["?", "This list"],
  ]
  list.querySelector("dl").replaceChildren(
    ...rows.map(([keys, does]) => {
      const row = document.createElement("div")
      const name = document.createElement("dt")
      name.append(...keys.split(" ").map((key) => Object.assign(document.createElement("kbd"), { textContent: key })))
      row.append(name, Object.assign(document.createElement("dd"), { textContent: does }))
      return row
    }),
  )
}

export default ({ data, parentElement, setTriggerValue }) => {
  if (!told) {
    addEventListener("keydown", press, true)
    addEventListener("pointerdown", () => (acts += 1), true)
  }
  trigger = setTriggerValue
  list = parentElement.querySelector("dialog")
  if (JSON.stringify(data) !== JSON.stringify(told) || !list.querySelector("dt")) {
    told = data
    fill()
  }
}
