"""`python -m trigcnn` is the command `trigcnn`."""

from trigcnn.pipeline.cli import main

if __name__ == "__main__":
    main()
