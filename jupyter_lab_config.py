"""JupyterLab without calls home: no news, no update checks, no extension downloads."""

c = get_config()  # noqa: F821  (given by Jupyter)
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
