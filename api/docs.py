"""`/api/docs/`: the documentation page, from files of this machine only."""

from html import escape

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from swagger_ui_bundle import swagger_ui_path

router = APIRouter(include_in_schema=False)

ASSETS = "/docs/assets"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{root}/docs/assets/swagger-ui.css">
<link rel="icon" type="image/png" href="{root}/docs/assets/favicon-32x32.png">
</head>
<body style="margin:0">
<div id="swagger-ui"></div>
<script src="{root}/docs/assets/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({{url: "{root}/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null}});
</script>
</body>
</html>
"""


@router.get("/")
async def index(request: Request) -> Response:
    """People who open the API's root want its documentation."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/docs/")


@router.get("/docs/")
async def docs(request: Request) -> Response:
    """The documentation page."""
    root, title = request.scope.get("root_path", ""), request.app.title
    return HTMLResponse(PAGE.format(root=escape(root, quote=True), title=escape(title)))


def mount_assets(app: FastAPI) -> None:
    """Serve Swagger UI's files, which come with a package."""
    app.mount(ASSETS, StaticFiles(directory=str(swagger_ui_path)), name="docs-assets")
