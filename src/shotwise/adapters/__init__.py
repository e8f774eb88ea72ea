"""What touches the outside: onnxruntime, files, S3, SQLite. Each file translates its library's errors into ours."""
