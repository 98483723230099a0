"""`python -m denoise_studio` is the command `denoise-studio`."""

from denoise_studio.cli import main

if __name__ == "__main__":
    main()
