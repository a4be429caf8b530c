// Under node a program gets Emscripten's own environment; this hands over what the user set.
Module['preRun'] = () => {
  for (const name of ['MNIST_DIR', 'STROKES_DIR', 'NEURONA_CACHE', 'NEURONA_MNIST_MIRROR', 'XDG_CACHE_HOME', 'HOME'])
    if (process.env[name]) ENV[name] = process.env[name];
};
