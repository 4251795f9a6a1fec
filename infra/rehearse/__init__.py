"""The deployment itself, on one machine: the unmodified app goes through CloudFormation into MiniStack."""
