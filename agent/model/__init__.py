"""The words of the project: frozen values without I/O. Import them from the module that defines them."""
