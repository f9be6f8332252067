"""`pitchgate cloud`: creates and checks the Google Cloud resources of one environment."""
