"""Google Cloud's management as far as setting up an environment needs it: services, service accounts, rights,
add-ons."""
