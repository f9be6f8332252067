"""Python imports this at start when the folder is on PYTHONPATH: child processes of tests get the hook too."""

import loopback_only

loopback_only.install()
