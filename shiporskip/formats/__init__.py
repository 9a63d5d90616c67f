"""How days and minutes are written where Django writes them, as in the desk's lists."""
