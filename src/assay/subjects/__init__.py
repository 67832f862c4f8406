"""Who is in it: faces, landmarks, identity, tracks, speech."""

# The bundles that finding and following faces uses; a verdict names them with their hashes.
NETWORKS = ("face_finder_full_range", "face_finder_short_range", "face_mesh", "face_identity")
# Those that finding speech and telling speakers apart uses.
VOICE_NETWORKS = ("voice_activity", "speaker_identity")
