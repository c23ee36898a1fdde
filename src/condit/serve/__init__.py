"""``condit serve``: a server that programs for OpenAI, vLLM, llama.cpp and Ollama can point at.

Requests of each protocol are translated to a `condit.serve.job.Job`, which
`condit.serve.engine.Engine` draws; its events are translated back. Nothing here samples.
"""
