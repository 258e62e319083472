import sys

from mmkeras.cli.main import main

sys.exit(main())
