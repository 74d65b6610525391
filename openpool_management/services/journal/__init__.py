"""The whole journal in forms that other tools read."""
