"""The RTL as the payload of the CMS EMP framework: link words in, link words out."""
