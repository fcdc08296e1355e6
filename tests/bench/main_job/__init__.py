"""How long the main job takes: from the alert to the card, the proposal and the recovery."""
