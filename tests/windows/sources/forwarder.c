/* The body of python3.dll, which only forwards its exports. */
int DllMain(void *module, unsigned reason, void *reserved) { return 1; }
