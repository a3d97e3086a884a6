"""What `import trigcnn` offers; `trigcnn/__init__.py` lists the names."""
