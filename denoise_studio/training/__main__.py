"""`python -m denoise_studio.training train|evaluate`: how the shipped networks were made."""

import sys

from denoise_studio.training.commands import main

sys.exit(main())
