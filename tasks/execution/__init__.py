"""Where the work of stages runs: in this process, or on pools of warm workers."""
