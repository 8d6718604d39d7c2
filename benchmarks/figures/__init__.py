"""The measured figures of the documents, from the files in `results/`: a module for each page; `python -m figures`."""
