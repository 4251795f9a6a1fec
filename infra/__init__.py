"""The marketplace's AWS infrastructure, made from the service manifests."""
