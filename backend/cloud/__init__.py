"""`pitchgate cloud`: what Google Cloud must hold for one environment, from one template."""
