"""What every report shares: the folder that appears whole, the record of the run, pictures and the page's template."""

from dnmf.report.folder import check_output_folder

__all__ = ["check_output_folder"]
