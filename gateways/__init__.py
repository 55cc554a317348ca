"""The outside world, one small module each; they speak domain words."""
