"""Redis: is it quick, has it room, does it lose anything?"""

from ui import cards, frame
from ui.panels import show
from ui.questions import metric_panel

page = frame.begin("Redis", "Is it quick, has it room, and does it lose or refuse anything?")


def redis_page() -> None:
    view = cards.verdict_line(page.monitor.board.of_kind("redis"), "redis", page.now, page.monitor)
    if view is None:
        return
    cards.figures(view.result, cards.present(FIGURES))
    cards.facts(view.result)
    show(page.monitor.reader, [metric_panel(page, metric, (view.name,)) for metric in cards.known(CHARTS)], columns=2)
    cards.tables(view.result, {"slow log": "No slow command since the server started.", "keyspace": "No keys."})
    cards.all_metrics(view)


frame.live(redis_page, every_s=5.0)
