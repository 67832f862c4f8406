"""Who is in it: faces, landmarks, identity, tracks (and, later, speech)."""

# The bundles that finding and following faces uses; a verdict names them with their hashes.
NETWORKS = ("face_finder_full_range", "face_finder_short_range", "face_mesh", "face_identity")
