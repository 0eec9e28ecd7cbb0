//! MT19937, the Mersenne Twister: only to repeat sets that were published with it, never for new randomness.
//!
//! Matsumoto & Nishimura, ACM TOMACS 8, 3 (1998), seeded by `init_genrand` (the 2002 initialisation).

const WORDS: usize = 624;
const SHIFT: usize = 397;

/// The generator.
pub(super) struct Mersenne {
    state: [u32; WORDS],
    next: usize,
}

impl Mersenne {
    pub(super) fn new(seed: u32) -> Self {
        let mut state = [seed; WORDS];
        for (at, multiplier) in (1..WORDS).zip(1u32..) {
            let last = state[at - 1];
            state[at] = 1_812_433_253u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(multiplier);
        }
        Self { state, next: WORDS }
    }

    /// The next 32 bits.
    pub(super) fn bits(&mut self) -> u32 {
        if self.next == WORDS {
            self.twist();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9D2C_5680;
        y ^= (y << 15) & 0xEFC6_0000;
        y ^ (y >> 18)
    }

    /// Uniform on `[0, 1)`, 53 bits of two draws.
    pub(super) fn unit(&mut self) -> f64 {
        let (high, low) = (f64::from(self.bits() >> 5), f64::from(self.bits() >> 6));
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0 // 2²⁶, 2⁵³
    }

    fn twist(&mut self) {
        for at in 0..WORDS {
            let y = (self.state[at] & 0x8000_0000) | (self.state[(at + 1) % WORDS] & 0x7FFF_FFFF);
            let odd = if y & 1 == 1 { 0x9908_B0DF } else { 0 };
            self.state[at] = self.state[(at + SHIFT) % WORDS] ^ (y >> 1) ^ odd;
        }
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_thousandth_number_is_that_of_the_cpp_standard() {
        // ISO C++ [rand.predef]: a default-constructed mt19937 (seed 5489) gives 4123659995.
        let mut generator = Mersenne::new(5489);
        assert_eq!(generator.bits(), 3_499_211_612);
        assert_eq!((1..10_000).map(|_| generator.bits()).last(), Some(4_123_659_995));
    }
}
