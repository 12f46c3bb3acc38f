# Filled in below the libraries: export set, headers and package files.
