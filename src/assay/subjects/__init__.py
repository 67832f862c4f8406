"""Who is in it: faces, landmarks, identity, tracks (and, later, speech)."""
